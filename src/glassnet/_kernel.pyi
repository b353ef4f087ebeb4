# Compiled; glassnet.nn.kernel is its only caller, and gives it types.
from typing import Any

def __getattr__(name: str) -> Any: ...
