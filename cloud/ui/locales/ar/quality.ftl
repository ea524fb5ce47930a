quality-v6 = IPv6 في آخر 30 يومًا
quality-dropped = ما أسقطه محدِّد السرعة في آخر 30 يومًا
