quality-v6 = IPv6 sur les 30 derniers jours
quality-dropped = Rejeté par le limiteur sur les 30 derniers jours
