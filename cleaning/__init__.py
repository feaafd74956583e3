"""Clean Chinese and English text for language-model pretraining: JSONL shards in, clean shards and every reason out.

Read `configs/default.yaml`, then `cleaning/engine/plan.py`, then one stage: that is the whole system.
"""

__version__ = "0.1.0"
