"""Personal data: the types that are known, how they are found, proved and masked."""
