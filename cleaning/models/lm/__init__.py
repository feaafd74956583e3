"""N-gram language models: what a token is, training, files, scores."""
