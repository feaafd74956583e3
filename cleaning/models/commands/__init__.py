"""The commands of `cleaning models`, a module each."""
