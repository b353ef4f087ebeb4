"""What is said by hand on the page, under the heading of each section; figures are put there by `report.py`."""

REMARKS = {
    "head": """
`make bench` measures all of this again and writes this page; `make bench ONLY=w2,inference` a part of it. Every side
lives in a process of its own, is warmed up once, and then rounds go from side to side: a ratio is the median of the
ratios within a round. A time is a median, with the quartiles behind it.
""",
    "targets": """
Ratios are to the strongest of all other sides in the same rounds, with the same number of threads. The last column is
what the ratio would be if a step were its products alone and these ran at the full FMA peak: where it lies below the
target, nothing that computes the same numbers can meet it on this machine.

What the profile shows (one thread, AVX-512): the tiles of the products run at 90–97 % of the FMA peak. Of a step of w2
they are 55 %; Adam is 17 %, bound by the square root and the division of each parameter, which keep their unit busy
for 11 cycles per 16 numbers; the rest is spread over gathering rows, activations, the transposed weights, the loss and
the shuffle, each below 5 %. In w3 ten outputs fill ten of sixteen lanes, and rows come from the third cache. A step of
w1 is 1,300 cycles, of which no part has more than a fifth. With two threads each core fetches half of what the other
has written, twice a step, which is some 6 µs of w2b's. On AVX2, where the peak is half as high, the shares are 68 %
(w2), 87 % (w2b), 76 % (w3) and 94 % (w4), in a run of the kernel alone by processor time. Of a step of
Levenberg–Marquardt with 1,000 rows and 97 parameters the product JᵀJ alone, at its peak, is 100 µs, and NumPy's is as
fast.
""",
    "training": """
Time of one step, a minibatch, within the whole loop: shuffle, forward, loss, backward, Adam; squared error, float32.
Ours is `MLPRegressor.fit`: a fit of some epochs less a fit of one, whose set-up is shown apart; sixteen networks at
once (w5) go through `glassnet.training.train`. The others go on epoch after epoch and pay no set-up. JAX appears twice:
with the shuffle inside the compiled epoch, as one would write it, and with the order drawn by NumPy, which is faster,
for JAX shuffles by a sort. The peak is that of a loop of fused multiply-adds in registers, measured in the same rounds
on one core; a share counts the multiply-adds of the products alone.
""",
    "loss": """
The same network, optimizer, rate, batch and dtype. It is first seen after how many epochs each side has reached a
held-out loss that all reach; then a training of just so many epochs is timed, its set-up included, one thread each.
""",
    "inference": """
The network 10-64-64-1, float32, the same weights on all sides, which must agree on what they predict. One row at a time
as a Python list or as an array, one thread; and 100,000 rows at once.
""",
    "cold": """
A new process: interpreter, imports, data and one epoch of w2. "NumPy" only imports NumPy and makes the data.
Compiled PyTorch finds what it compiled before in its cache on disk; the very first time it takes some 25 s.
""",
    "growth": """
glassnet alone, one thread, 10 features, relu. A slope is the power with which time grows: 1 is proportional; width
counts twice where products dominate.
""",
    "memory": """
Peak memory of a process during a fit, less what it had with the data loaded. Allowed are a copy of the data, 7 times
the parameters with Adam (30 times with L-BFGS), and the activations of one batch.
""",
    "solvers": """
Levenberg–Marquardt with a step's Jacobian and algebra on either engine, float64, one thread; and the part of an L-BFGS
training (10-64-64-1, 1,000 rows) that is spent inside the engine's calls.
""",
    "functions": """
sin 2x + 0.3x², 200 points, ten tanh units, no penalty: nine starts, the best of which counts. The time is of all nine.
""",
    "studio": """
`glassnet studio` in headless Chromium without a GPU, server and browser on the same two cores: a fresh studio and page
for each network and round; circles, 250 or 300 rows. A picture holds every unit's map, the output, the hidden space and
the curves; it counts when the page has drawn it. TensorFlow Playground, built and measured in the same way on such a
machine, drew 17–33 pictures a second of 2-4-2-1 with 25 ms of work for each, 3–6 of 2-8×6-1 with 147 ms, and trained
1,600–2,250 epochs a second where it drew nothing.
""",
}
