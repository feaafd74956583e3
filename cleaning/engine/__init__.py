"""Plan, execute, resume: phases of tasks over shards."""
