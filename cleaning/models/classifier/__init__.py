"""Binary fastText classifiers: the text that they see, training, calibration, and a scorer of their own."""
