"""Rules as data, and how they are judged."""
