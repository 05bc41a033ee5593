"""Speed as ratios against bare references of ours, measured in the same run. Never a test: these figures are noisy."""
