quality-v6 = IPv6 nos últimos 30 dias
quality-dropped = Descartado pelo limitador nos últimos 30 dias
