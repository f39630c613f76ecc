"""The pages that people follow, followed word for word by a terminal."""
