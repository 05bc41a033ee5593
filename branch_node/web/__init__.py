"""The branch's web application: the till's pages. Views ask operations and render; they hold no rules."""
