# Preços de entrada.
plan-phases = Preços promocionais de entrada
plan-phases-hint = Um por linha, em ordem: meses e depois o preço de um período inteiro ou um percentual de desconto. Por exemplo, “1 0” para um mês grátis, “3 19.90” ou “3 50%”. Para linhas que começam com esta versão; depois vale o preço dela.
error-plan-phase = Cada linha deve ter meses e um preço, como 3 19.90, ou meses e um percentual de desconto, como 3 50%.
error-plan-phase-months = Uma fase tem de 1 a 36 meses.
error-plan-phase-price = Um preço de entrada deve ser menor que o do plano.
error-plan-phase-same = Uma fase deve custar algo diferente da anterior.
plan-offer-free-one = grátis por um mês
plan-offer-free = grátis por { $months } meses
plan-offer-price-one = { $price } por um mês
plan-offer-price = { $price } por { $months } meses
plan-offer-then = { $phases }, depois { $price }
line-introductory-one = Preço de entrada por um mês
line-introductory = Preço de entrada, { $which } de { $of } meses

# O que um assinante pagaria, ao lado do formulário de um plano.
plan-preview = O que um assinante paga
plan-preview-hint = Como as execuções cobrariam, sem uso além do incluído.
plan-preview-starts = Primeiro dia
plan-preview-day = Dia de cobrança
plan-preview-show = Prévia
plan-preview-first = Primeira fatura
plan-preview-year = Todas as faturas do primeiro ano
plan-preview-asked = Cobrado
plan-preview-nothing = Nada é cobrado no primeiro ano.
plan-preview-wrong = A corrigir antes
error-billing-day = Deve ser de 1 a 31.
