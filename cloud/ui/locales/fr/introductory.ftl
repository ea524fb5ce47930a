# Prix de lancement.
plan-phases = Prix de bienvenue
plan-phases-hint = Un par ligne, dans l’ordre : des mois, puis le prix d’une période entière ou un pourcentage de remise. Par exemple « 1 0 » pour un mois gratuit, « 3 19.90 » ou « 3 50% ». Pour les lignes qui commencent avec cette version ; ensuite son prix s’applique.
error-plan-phase = Chaque ligne doit avoir des mois et un prix, comme 3 19.90, ou des mois et un pourcentage de remise, comme 3 50%.
error-plan-phase-months = Une phase a de 1 à 36 mois.
error-plan-phase-price = Un prix de bienvenue doit être inférieur à celui de l’offre.
error-plan-phase-same = Une phase doit coûter autre chose que la précédente.
plan-offer-free-one = gratuit pendant un mois
plan-offer-free = gratuit pendant { $months } mois
plan-offer-price-one = { $price } pendant un mois
plan-offer-price = { $price } pendant { $months } mois
plan-offer-then = { $phases }, puis { $price }
line-introductory-one = Prix de bienvenue pour un mois
line-introductory = Prix de bienvenue, { $which } sur { $of } mois

# Ce que paierait un abonné, à côté du formulaire d’une offre.
plan-preview = Ce que paie un abonné
plan-preview-hint = Comme les facturations le demanderaient, sans usage au-delà de ce qui est inclus.
plan-preview-starts = Premier jour
plan-preview-day = Jour de facturation
plan-preview-show = Aperçu
plan-preview-first = Première facture
plan-preview-year = Toutes les factures de la première année
plan-preview-asked = Facturé
plan-preview-nothing = Rien n’est demandé la première année.
plan-preview-wrong = À corriger d’abord
error-billing-day = Doit être de 1 à 31.
