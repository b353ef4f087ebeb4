"""Load that is kept up, and faults that are survived: killed fits, memory, threads, full disks."""
