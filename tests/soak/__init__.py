"""Seven real nodes for a chosen time, on lines that are slow, lossy and cut, killed while they write."""
