quality-v6 = IPv6 in the last 30 days
quality-dropped = Dropped by the shaper in the last 30 days
