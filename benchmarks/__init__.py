"""How fast glassnet is, beside what one would use instead: `make bench` measures and writes docs/performance.md.

`python -m benchmarks` reads ONLY, ROUNDS and QUICK from the environment. Every side lives in a process of its own,
warmed up once; then rounds go from side to side, and ratios are taken within a round. Needs a POSIX system; `guard.py`,
which CI runs, does not.
"""
