"""What a text is made of, measured and mended; knows nothing of files."""
