"""What councils mean: pure, without clock, chance or I/O."""
