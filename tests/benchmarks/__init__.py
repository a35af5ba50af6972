"""How fast: each figure against what bounds it, measured in turn in the same run; ``make bench`` prints the table."""
