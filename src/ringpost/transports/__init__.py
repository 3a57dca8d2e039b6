"""How a delivery leaves: webhook (HTTP POST) and SQS, and the policy of both: addresses, time, reply size."""
