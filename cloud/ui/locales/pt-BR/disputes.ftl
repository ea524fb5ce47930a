# Money that goes back by itself, and comes back.
paying-disputed = Retirado pelo banco do pagador
posting-dispute = Contestação { $number }
posting-return = Devolvido, titular desconhecido
paying-why-no_longer_owed = Não é mais devido
suspense-why-refund_failed = Um reembolso voltou
suspense-why-dispute_won = Uma contestação foi ganha
billing-faults = Contas que não podem ser faturadas
