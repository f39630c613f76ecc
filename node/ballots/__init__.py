"""What people see and write of ballots: questions, choices, explanations, minutes, certificates as files."""
