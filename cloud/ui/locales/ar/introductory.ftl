# الأسعار التمهيدية.
plan-phases = أسعار تمهيدية
plan-phases-hint = سعر في كل سطر بالترتيب: عدد الأشهر ثم سعر فترة كاملة أو نسبة خصم. مثل “1 0” لشهر مجاني، و“3 19.90” أو “3 50%”. للخطوط التي تبدأ بهذا الإصدار، ثم يسري سعره.
error-plan-phase = يجب أن يكون كل سطر أشهرًا وسعرًا مثل 3 19.90، أو أشهرًا ونسبة خصم مثل 3 50%.
error-plan-phase-months = للمرحلة من 1 إلى 36 شهرًا.
error-plan-phase-price = يجب أن يكون السعر التمهيدي أقل من سعر الباقة.
error-plan-phase-same = يجب أن يختلف سعر المرحلة عن التي قبلها.
plan-offer-free-one = مجانًا لمدة شهر واحد
plan-offer-free = مجانًا لمدة { $months } من الأشهر
plan-offer-price-one = { $price } لمدة شهر واحد
plan-offer-price = { $price } لمدة { $months } من الأشهر
plan-offer-then = { $phases }، ثم { $price }
line-introductory-one = سعر تمهيدي لشهر واحد
line-introductory = سعر تمهيدي، الشهر { $which } من { $of }

# ما يدفعه المشترك، بجانب نموذج الباقة.
plan-preview = ما يدفعه المشترك
plan-preview-hint = كما تُصدره عمليات الفوترة، دون استخدام يتجاوز المشمول.
plan-preview-starts = اليوم الأول
plan-preview-day = يوم الفوترة
plan-preview-show = معاينة
plan-preview-first = أول فاتورة
plan-preview-year = كل فواتير السنة الأولى
plan-preview-asked = تاريخ الفاتورة
plan-preview-nothing = لا يُطلب شيء في السنة الأولى.
plan-preview-wrong = يجب تصحيحه أولًا
error-billing-day = يجب أن يكون من 1 إلى 31.
