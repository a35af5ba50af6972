"""Independent answers: documents made, and judged, by others than the code under test."""
