# Precios de bienvenida.
plan-phases = Precios de bienvenida
plan-phases-hint = Uno por línea, en orden: meses y luego el precio de un periodo completo o un porcentaje de descuento. Por ejemplo, «1 0» para un mes gratis, «3 19.90» o «3 50%». Para líneas que empiezan con esta versión; después rige su precio.
error-plan-phase = Cada línea debe tener meses y un precio, como 3 19.90, o meses y un porcentaje de descuento, como 3 50%.
error-plan-phase-months = Una fase tiene de 1 a 36 meses.
error-plan-phase-price = Un precio de bienvenida debe ser menor que el del plan.
error-plan-phase-same = Una fase debe costar algo distinto que la anterior.
plan-offer-free-one = gratis durante un mes
plan-offer-free = gratis durante { $months } meses
plan-offer-price-one = { $price } durante un mes
plan-offer-price = { $price } durante { $months } meses
plan-offer-then = { $phases }, después { $price }
line-introductory-one = Precio de bienvenida de un mes
line-introductory = Precio de bienvenida, { $which } de { $of } meses

# Lo que pagaría un abonado, junto al formulario de un plan.
plan-preview = Lo que paga un abonado
plan-preview-hint = Como lo facturarían los procesos, sin consumo más allá de lo incluido.
plan-preview-starts = Primer día
plan-preview-day = Día de facturación
plan-preview-show = Vista previa
plan-preview-first = Primera factura
plan-preview-year = Todas las facturas del primer año
plan-preview-asked = Facturado
plan-preview-nothing = No se cobra nada en el primer año.
plan-preview-wrong = Hay que corregir antes
error-billing-day = Debe ser de 1 a 31.
