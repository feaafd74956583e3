"""Signatures, buckets, clusters, index: what finds duplicates. Knows texts and arrays; knows no stage."""
