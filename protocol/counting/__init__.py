"""What ballots add up to: one module a rule, integers and fractions only."""
