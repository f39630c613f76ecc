"""A seeded simulator of counts: the real council and tellers, over a network that a seed makes bad."""
