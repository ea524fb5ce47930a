# Money that goes back by itself, and comes back.
paying-disputed = Repris par la banque du payeur
posting-dispute = Litige { $number }
posting-return = Rendu, titulaire inconnu
paying-why-no_longer_owed = N’est plus dû
suspense-why-refund_failed = Un remboursement est revenu
suspense-why-dispute_won = Un litige a été gagné
billing-faults = Comptes qui ne peuvent être facturés
