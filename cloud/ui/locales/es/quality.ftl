quality-v6 = IPv6 en los últimos 30 días
quality-dropped = Descartado por el limitador en los últimos 30 días
