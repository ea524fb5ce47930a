# Money that goes back by itself, and comes back.
paying-disputed = Taken back by the payer’s bank
posting-dispute = Dispute { $number }
posting-return = Given back, owner unknown
paying-why-no_longer_owed = No longer owed
suspense-why-refund_failed = A refund came back
suspense-why-dispute_won = A dispute was won
billing-faults = Accounts that cannot be billed
