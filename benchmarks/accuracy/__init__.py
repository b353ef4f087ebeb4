"""How accurate glassnet's defaults are on real tables, beside what one would use instead: `make accuracy`.

`tables.py` builds each table from the public package that `catalogue.json` names; `rounds.py` fits every peer to every
fold, each in a process of its own (`worker.py`), and appends a line to `results.jsonl`; `report.py` makes
docs/accuracy.md of them. Needs a POSIX system.
"""
