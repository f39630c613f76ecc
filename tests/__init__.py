"""What Folkmoot promises, checked. HACKING.md says where each kind of test goes."""
