"""Files in and out; knows nothing of text."""
