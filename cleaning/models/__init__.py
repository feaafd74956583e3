"""Models: getting, training, calibrating and reading them. Stages measure with them; rules judge."""
