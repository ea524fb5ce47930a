# Money that goes back by itself, and comes back.
paying-disputed = استرده مصرف الدافع
posting-dispute = النزاع { $number }
posting-return = أُعيد والمالك مجهول
paying-why-no_longer_owed = لم يعد مستحقًا
suspense-why-refund_failed = رجع مبلغ مُعاد
suspense-why-dispute_won = كُسب نزاع
billing-faults = حسابات تتعذّر فوترتها
