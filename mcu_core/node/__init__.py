"""Processes of one machine: the supervisor, and the pool through which control places workers.

The supervisor is imported from `mcu_core.node.supervisor`: children import this package first and need none of it.
"""

from mcu_core.node.pool import LocalPool, NodePool, PoolEvent, PoolWatch

__all__ = ["LocalPool", "NodePool", "PoolEvent", "PoolWatch"]
