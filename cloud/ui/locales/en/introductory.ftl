# Introductory prices.
plan-phases = Introductory prices
plan-phases-hint = One a line, in order: months, then the price of a full period or a percent off. Such as “1 0” for a free month, “3 19.90” or “3 50%”. For lines that begin with this version; then its price holds.
error-plan-phase = Each line must be months and a price, such as 3 19.90, or months and a percent off, such as 3 50%.
error-plan-phase-months = A phase has from 1 to 36 months.
error-plan-phase-price = An introductory price must be less than the plan’s own.
error-plan-phase-same = A phase must cost something else than the one before it.
plan-offer-free-one = free for one month
plan-offer-free = free for { $months } months
plan-offer-price-one = { $price } for one month
plan-offer-price = { $price } for { $months } months
plan-offer-then = { $phases }, then { $price }
line-introductory-one = Introductory price for one month
line-introductory = Introductory price, { $which } of { $of } months

# What a subscriber would pay, beside the form of a plan.
plan-preview = What a subscriber pays
plan-preview-hint = As runs would bill it, without use beyond what is included.
plan-preview-starts = First day
plan-preview-day = Billing day
plan-preview-show = Preview
plan-preview-first = First bill
plan-preview-year = All bills of the first year
plan-preview-asked = Billed
plan-preview-nothing = Nothing is asked for in the first year.
plan-preview-wrong = To be put right first
error-billing-day = Must be from 1 to 31.
