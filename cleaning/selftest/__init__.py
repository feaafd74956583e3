"""Trying a configuration on one's own data before days are spent on it: what is planted is known, so what is found can be counted."""
