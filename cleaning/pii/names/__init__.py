"""Names of people: an engine behind a one-method protocol, and the policies that say which names are personal data."""
