"""A practice chain: real baskets, invented people, goods and prices, and truths planted to be found again."""
