"""What perf_analyzer reports of a window: its columns, and their units."""

# Our name for what it prints beside its columns.
DELAYED = "Delayed requests"
REQUESTS = "Request count"
# The percentiles of a window's latencies that it reports.
PERCENTILES = (50, 90, 95, 99)
# What the columns that perf_analyzer writes mean, and their units.
UNITS = {
    "Concurrency": "requests in flight",
    "Request Rate": "requests per second, as asked for",
    DELAYED: "percent of the requests, sent late; above 1 alone is told",
    REQUESTS: "requests answered within the window",
    "Inferences/Second": "inferences per second",
    "Client Send": "microseconds",
    "Network+Server Send/Recv": "microseconds",
    "Server Queue": "microseconds",
    "Server Compute Input": "microseconds",
    "Server Compute Infer": "microseconds",
    "Server Compute Output": "microseconds",
    "Client Recv": "microseconds",
    "p50 latency": "microseconds",
    "p90 latency": "microseconds",
    "p95 latency": "microseconds",
    "p99 latency": "microseconds",
    "Avg latency": "microseconds",
    "request/response": "microseconds",
    "response wait": "microseconds",
}
