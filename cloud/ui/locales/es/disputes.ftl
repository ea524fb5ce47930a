# Money that goes back by itself, and comes back.
paying-disputed = Retirado por el banco del pagador
posting-dispute = Disputa { $number }
posting-return = Devuelto, titular desconocido
paying-why-no_longer_owed = Ya no se debe
suspense-why-refund_failed = Una devolución volvió
suspense-why-dispute_won = Se ganó una disputa
billing-faults = Cuentas que no se pueden facturar
