-- Earlier applications to the same lender. The portfolio turns the day 365243 ("never") into null, so a granted loan
-- with a first due date and no end date is still running.
-- Interest is that at which the instalments of the term repay the credit: the root of (1 + i)^-n = 1 - i * credit / instalment,
-- from the constant-ratio rule by two steps of Newton's. It is null where the term or the instalment is not known, as for cards.
-- "Last k applications" are those of a window of days. The latest weighs 1, one a year earlier 1/e.
-- An amount over a kind of application is null where there was none; counts and shares of a kind are zero there.
WITH earlier AS (
  SELECT *,
    CASE WHEN NAME_CONTRACT_STATUS = 'Approved' THEN AMT_CREDIT END AS granted,
    CASE WHEN NAME_CONTRACT_STATUS = 'Approved' THEN AMT_ANNUITY END AS granted_annuity,
    CASE WHEN NAME_CONTRACT_STATUS = 'Approved' AND DAYS_FIRST_DUE IS NOT NULL AND DAYS_TERMINATION IS NULL THEN 1
      ELSE 0 END AS running,
    CASE WHEN CNT_PAYMENT * AMT_ANNUITY > AMT_CREDIT AND CNT_PAYMENT >= 3 AND AMT_CREDIT > 0
      THEN AMT_CREDIT / AMT_ANNUITY END AS instalments,
    EXP(DAYS_DECISION / 365) AS recency
  FROM previous_application
), started AS (
  SELECT *, 2 * (CNT_PAYMENT / instalments - 1) / (CNT_PAYMENT + 1) AS first_guess FROM earlier
), stepped AS (
  SELECT *, first_guess - (instalments * first_guess - 1 + POWER(1 + first_guess, -CNT_PAYMENT))
    / NULLIF(instalments - CNT_PAYMENT * POWER(1 + first_guess, -CNT_PAYMENT - 1), 0) AS second_guess FROM started
), priced AS (
  SELECT *, 1200 * (second_guess - (instalments * second_guess - 1 + POWER(1 + second_guess, -CNT_PAYMENT))
    / NULLIF(instalments - CNT_PAYMENT * POWER(1 + second_guess, -CNT_PAYMENT - 1), 0)) AS solved FROM stepped
), measured AS (
  SELECT *,
    CASE WHEN solved BETWEEN 0 AND 200 THEN solved END AS rate,
    CASE WHEN AMT_GOODS_PRICE > 0 THEN AMT_CREDIT / AMT_GOODS_PRICE END AS credit_to_goods,
    CASE WHEN AMT_APPLICATION > 0 THEN AMT_CREDIT / AMT_APPLICATION END AS given_to_asked
  FROM priced
)
SELECT
  -- How many, and how they ended.
  COUNT(*) AS previous_applications,  -- Earlier applications | Demandes antérieures
  COUNT(*) FILTER (WHERE NAME_CONTRACT_STATUS = 'Approved')
    AS previous_approved,  -- Earlier applications approved | Demandes antérieures acceptées
  COUNT(*) FILTER (WHERE NAME_CONTRACT_STATUS = 'Refused')
    AS previous_refused,  -- Earlier applications refused | Demandes antérieures refusées
  COUNT(*) FILTER (WHERE NAME_CONTRACT_STATUS IN ('Canceled', 'Unused offer'))
    AS previous_abandoned,  -- Earlier applications given up | Demandes antérieures abandonnées
  COUNT(*) FILTER (WHERE NAME_CONTRACT_STATUS = 'Unused offer')
    AS previous_unused_offers,  -- Earlier offers not taken up | Offres antérieures non utilisées
  COUNT(*) FILTER (WHERE NAME_CONTRACT_STATUS = 'Approved') / COUNT(*)
    AS previous_approved_share,  -- Share of earlier applications approved | Part des demandes antérieures acceptées
  COUNT(*) FILTER (WHERE NAME_CONTRACT_STATUS = 'Refused') / COUNT(*)
    AS previous_refused_share,  -- Share of earlier applications refused | Part des demandes antérieures refusées
  SUM(CASE WHEN NAME_CONTRACT_STATUS = 'Refused' THEN recency ELSE 0 END) / NULLIF(SUM(recency), 0)
    AS previous_weighted_refused_share,  -- Refusals, recent ones first | Refus, récents d'abord
  COUNT(*) FILTER (WHERE NFLAG_LAST_APPL_IN_DAY = 0)
    AS previous_repeated_same_day,  -- Repeated applications on one day | Demandes répétées le même jour

  -- Why they were refused.
  COUNT(*) FILTER (WHERE CODE_REJECT_REASON = 'SCOFR')
    AS previous_refused_by_score,  -- Refusals for the score | Refus dus au score
  COUNT(*) FILTER (WHERE CODE_REJECT_REASON = 'SCO')
    AS previous_refused_by_scoring,  -- Refusals by scoring | Refus par notation
  COUNT(*) FILTER (WHERE CODE_REJECT_REASON = 'HC')
    AS previous_refused_by_lender,  -- Refusals by the lender's policy | Refus dus à la politique du prêteur
  COUNT(*) FILTER (WHERE CODE_REJECT_REASON = 'LIMIT')
    AS previous_refused_for_limit,  -- Refusals for the credit limit | Refus dus au plafond de crédit
  COUNT(*) FILTER (WHERE CODE_REJECT_REASON = 'VERIF')
    AS previous_refused_by_verification,  -- Refusals after verification | Refus après vérification

  -- When.
  COUNT(*) FILTER (WHERE DAYS_DECISION >= -91)
    AS previous_applications_last_quarter,  -- Applications in the last quarter | Demandes depuis trois mois
  COUNT(*) FILTER (WHERE DAYS_DECISION >= -365)
    AS previous_applications_last_year,  -- Applications in the last year | Demandes depuis un an
  COUNT(*) FILTER (WHERE NAME_CONTRACT_STATUS = 'Approved' AND DAYS_DECISION >= -365)
    AS previous_approved_last_year,  -- Approvals in the last year | Accords depuis un an
  COUNT(*) FILTER (WHERE NAME_CONTRACT_STATUS = 'Refused' AND DAYS_DECISION >= -182)
    AS previous_refused_last_half_year,  -- Refusals in the last half-year | Refus depuis six mois
  COUNT(*) FILTER (WHERE NAME_CONTRACT_STATUS = 'Refused' AND DAYS_DECISION >= -365)
    AS previous_refused_last_year,  -- Refusals in the last year | Refus depuis un an
  COUNT(*) FILTER (WHERE NAME_CONTRACT_STATUS = 'Refused' AND DAYS_DECISION >= -730)
    / NULLIF(COUNT(*) FILTER (WHERE DAYS_DECISION >= -730), 0)
    AS previous_refused_share_two_years,  -- Share refused in two years | Part de refus depuis deux ans
  MAX(DAYS_DECISION) AS previous_latest_day,  -- Day of the latest earlier application | Jour de la dernière demande antérieure
  MIN(DAYS_DECISION) AS previous_first_day,  -- Day of the first earlier application | Jour de la première demande antérieure
  MAX(DAYS_DECISION) FILTER (WHERE NAME_CONTRACT_STATUS = 'Approved')
    AS previous_latest_approval_day,  -- Day of the latest approval | Jour du dernier accord
  MAX(DAYS_DECISION) FILTER (WHERE NAME_CONTRACT_STATUS = 'Refused')
    AS previous_latest_refusal_day,  -- Day of the latest refusal | Jour du dernier refus
  (MAX(DAYS_DECISION) - MIN(DAYS_DECISION)) / NULLIF(COUNT(*) - 1, 0)
    AS previous_mean_gap,  -- Days between applications | Jours entre deux demandes

  -- Amounts asked for, granted and refused.
  AVG(granted) AS previous_mean_credit,  -- Mean amount granted earlier | Montant moyen accordé auparavant
  MAX(granted) AS previous_largest_credit,  -- Largest amount granted earlier | Plus gros montant accordé auparavant
  SUM(granted) AS previous_total_credit,  -- Total amount granted earlier | Montant total accordé auparavant
  SUM(recency * granted) / NULLIF(SUM(recency) FILTER (WHERE granted IS NOT NULL), 0)
    AS previous_recent_credit,  -- Amount granted, recent loans first | Montant accordé, crédits récents d'abord
  AVG(AMT_CREDIT) FILTER (WHERE NAME_CONTRACT_STATUS = 'Refused' AND AMT_CREDIT > 0)
    AS previous_mean_refused,  -- Mean amount refused | Montant moyen refusé
  AVG(AMT_APPLICATION) FILTER (WHERE AMT_APPLICATION > 0)
    AS previous_mean_asked,  -- Mean amount asked for earlier | Montant moyen demandé auparavant
  SUM(granted) / NULLIF(SUM(AMT_APPLICATION) FILTER (WHERE NAME_CONTRACT_STATUS = 'Approved'), 0)
    AS previous_granted_to_asked,  -- Granted to requested amount | Montant accordé sur montant demandé
  MIN(given_to_asked) AS previous_min_given_to_asked,  -- Smallest given to requested amount | Plus petite part accordée
  MAX(given_to_asked) AS previous_max_given_to_asked,  -- Largest given to requested amount | Plus grande part accordée
  AVG(credit_to_goods)
    AS previous_mean_credit_to_goods,  -- Mean credit to goods, earlier | Crédit sur prix du bien, moyenne antérieure
  AVG(granted) FILTER (WHERE DAYS_DECISION >= -730) / NULLIF(AVG(granted) FILTER (WHERE DAYS_DECISION < -730), 0)
    AS previous_credit_growth,  -- Loans of two years to older ones, here | Prêts de deux ans sur les plus anciens, ici
  AVG(RATE_DOWN_PAYMENT) AS previous_mean_down_payment,  -- Mean earlier down payment rate | Taux d'apport moyen antérieur
  MAX(RATE_DOWN_PAYMENT)
    AS previous_largest_down_payment,  -- Largest earlier down payment rate | Plus fort taux d'apport antérieur
  MAX(AMT_DOWN_PAYMENT) AS previous_max_down_payment,  -- Largest earlier down payment | Plus gros apport antérieur

  -- Instalments and terms.
  AVG(granted_annuity) AS previous_mean_annuity,  -- Mean instalment of earlier loans | Mensualité moyenne des crédits antérieurs
  MAX(granted_annuity)
    AS previous_largest_annuity,  -- Largest instalment of earlier loans | Plus grosse mensualité antérieure
  MIN(granted_annuity)
    AS previous_smallest_annuity,  -- Smallest instalment of earlier loans | Plus petite mensualité antérieure
  AVG(granted_annuity) FILTER (WHERE DAYS_DECISION >= -730)
    AS previous_mean_annuity_two_years,  -- Mean instalment, loans of two years | Mensualité moyenne, prêts de deux ans
  AVG(CNT_PAYMENT) FILTER (WHERE NAME_CONTRACT_STATUS = 'Approved')
    AS previous_mean_term,  -- Mean term of earlier loans (months) | Durée moyenne des crédits antérieurs (mois)
  MAX(CNT_PAYMENT) FILTER (WHERE NAME_CONTRACT_STATUS = 'Approved')
    AS previous_longest_term,  -- Longest term of earlier loans (months) | Plus longue durée antérieure (mois)
  MAX(CNT_PAYMENT) FILTER (WHERE NAME_CONTRACT_STATUS = 'Refused')
    AS previous_longest_refused_term,  -- Longest term refused (months) | Plus longue durée refusée (mois)
  AVG(CNT_PAYMENT) FILTER (WHERE DAYS_DECISION >= -365)
    AS previous_mean_term_last_year,  -- Mean term asked for in the last year | Durée moyenne demandée depuis un an

  -- Interest. The lender prices risk: the rates it asked earlier tell what it thought of the applicant.
  AVG(granted_annuity * CNT_PAYMENT / NULLIF(granted, 0))
    AS previous_repaid_to_credit,  -- Total repayment to earlier credit | Total à rembourser sur crédit antérieur
  AVG(rate) AS previous_mean_rate,  -- Mean earlier interest (%) | Taux d'intérêt antérieur moyen (%)
  MAX(rate) AS previous_highest_rate,  -- Highest earlier interest (%) | Taux d'intérêt antérieur le plus haut (%)
  MIN(rate) AS previous_lowest_rate,  -- Lowest earlier interest (%) | Taux d'intérêt antérieur le plus bas (%)
  AVG(rate) FILTER (WHERE NAME_CONTRACT_STATUS = 'Approved')
    AS previous_granted_rate,  -- Mean interest of loans granted (%) | Taux moyen des crédits accordés (%)
  AVG(rate) FILTER (WHERE NAME_CONTRACT_TYPE = 'Cash loans')
    AS previous_cash_rate,  -- Mean interest of cash loans (%) | Taux moyen des prêts personnels (%)
  AVG(rate) FILTER (WHERE NAME_CONTRACT_TYPE = 'Consumer loans')
    AS previous_consumer_rate,  -- Mean interest of consumer loans (%) | Taux moyen des prêts conso (%)
  AVG(rate) FILTER (WHERE DAYS_DECISION >= -365)
    AS previous_rate_last_year,  -- Mean interest, last year (%) | Taux moyen, dernière année (%)
  SUM(recency * rate) / NULLIF(SUM(recency) FILTER (WHERE rate IS NOT NULL), 0)
    AS previous_recent_rate,  -- Interest, recent loans first (%) | Taux, crédits récents d'abord (%)
  ROUND(AVG(rate) FILTER (WHERE DAYS_DECISION >= -730) - AVG(rate) FILTER (WHERE DAYS_DECISION < -730), 6)
    AS previous_rate_trend,  -- Rise of interest over two years | Hausse du taux sur deux ans
  COUNT(*) FILTER (WHERE NAME_YIELD_GROUP = 'high') / COUNT(*)
    AS previous_high_rate_share,  -- Share of earlier high-rate offers | Part d'offres antérieures à taux élevé
  COUNT(*) FILTER (WHERE NAME_YIELD_GROUP IN ('low_normal', 'low_action')) / COUNT(*)
    AS previous_low_rate_share,  -- Share of earlier low-rate offers | Part d'offres antérieures à taux bas

  -- What was sold, and how.
  COUNT(*) FILTER (WHERE NAME_CONTRACT_TYPE = 'Cash loans') / COUNT(*)
    AS previous_cash_share,  -- Share of earlier cash loans | Part de prêts personnels antérieurs
  COUNT(*) FILTER (WHERE NAME_CONTRACT_TYPE = 'Revolving loans') / COUNT(*)
    AS previous_revolving_share,  -- Share of earlier revolving loans | Part de crédits renouvelables antérieurs
  COUNT(*) FILTER (WHERE NAME_CONTRACT_TYPE = 'Cash loans' AND NAME_CONTRACT_STATUS = 'Refused')
    AS previous_cash_refused,  -- Cash loans refused | Prêts personnels refusés
  COUNT(*) FILTER (WHERE NAME_CONTRACT_TYPE = 'Consumer loans' AND NAME_CONTRACT_STATUS = 'Approved')
    AS previous_consumer_approved,  -- Consumer loans approved | Prêts conso accordés
  COUNT(*) FILTER (WHERE NAME_PRODUCT_TYPE = 'walk-in') / COUNT(*)
    AS previous_walk_in_share,  -- Share of walk-in applications | Part de demandes spontanées en agence
  COUNT(*) FILTER (WHERE NAME_PRODUCT_TYPE = 'x-sell') / COUNT(*)
    AS previous_cross_sale_share,  -- Share of offers to known clients | Part d'offres à des clients connus
  COUNT(*) FILTER (WHERE NAME_CLIENT_TYPE = 'New') / COUNT(*)
    AS previous_new_client_share,  -- Share of applications as a new client | Part de demandes comme nouveau client
  COUNT(*) FILTER (WHERE CHANNEL_TYPE = 'AP+ (Cash loan)')
    AS previous_partner_applications,  -- Applications through cash partners | Demandes via partenaires de prêt
  COUNT(*) FILTER (WHERE CHANNEL_TYPE IN ('Country-wide', 'Regional / Local', 'Stone')) / COUNT(*)
    AS previous_shop_share,  -- Share of applications made in shops | Part de demandes faites en magasin
  COUNT(*) FILTER (WHERE CHANNEL_TYPE = 'Contact center')
    AS previous_phone_applications,  -- Applications by telephone | Demandes par téléphone
  COUNT(*) FILTER (WHERE NAME_GOODS_CATEGORY = 'Mobile') / COUNT(*)
    AS previous_mobile_share,  -- Share of loans for mobile phones | Part de crédits pour téléphones mobiles
  COUNT(*) FILTER (WHERE NAME_GOODS_CATEGORY IN ('Furniture', 'Construction Materials', 'Homewares', 'Gardening')) / COUNT(*)
    AS previous_home_goods_share,  -- Share of loans for the home | Part de crédits pour la maison
  COUNT(*) FILTER (WHERE NAME_CASH_LOAN_PURPOSE NOT IN ('XAP', 'XNA'))
    AS previous_stated_purposes,  -- Earlier cash loans with a purpose | Prêts antérieurs avec motif déclaré
  COUNT(*) FILTER (WHERE NAME_CASH_LOAN_PURPOSE IN ('Urgent needs', 'Everyday expenses', 'Payments on other loans', 'Medicine'))
    AS previous_needs,  -- Earlier loans for urgent needs or debts | Prêts antérieurs pour besoins urgents ou dettes
  AVG(NFLAG_INSURED_ON_APPROVAL)
    AS previous_insured_share,  -- Share of earlier loans insured | Part des crédits antérieurs assurés
  AVG(HOUR_APPR_PROCESS_START)
    AS previous_mean_hour,  -- Mean hour of earlier applications | Heure moyenne des demandes antérieures
  MAX(SELLERPLACE_AREA) FILTER (WHERE SELLERPLACE_AREA > 0)
    AS previous_largest_shop,  -- Area of the largest shop | Surface du plus grand magasin

  -- How earlier loans ran and run.
  SUM(running) AS previous_running_loans,  -- Earlier loans still running | Crédits antérieurs encore en cours
  SUM(granted) FILTER (WHERE running = 1)
    AS previous_running_credit,  -- Amount of running loans | Montant des crédits encore en cours
  SUM(granted_annuity) FILTER (WHERE running = 1)
    AS previous_running_annuity,  -- Instalments of running loans | Mensualités des crédits encore en cours
  AVG(rate) FILTER (WHERE running = 1)
    AS previous_running_rate,  -- Mean interest of running loans (%) | Taux moyen des crédits encore en cours (%)
  MAX(DAYS_LAST_DUE_1ST_VERSION) AS previous_planned_last_due_day,  -- Planned last due day | Dernière échéance prévue
  MAX(DAYS_LAST_DUE) AS previous_last_due_day,  -- Latest final due day of ended loans | Dernière échéance des crédits terminés
  MAX(DAYS_FIRST_DUE) AS previous_latest_first_due_day,  -- Start of the latest loan | Début du dernier crédit
  AVG(DAYS_LAST_DUE - DAYS_LAST_DUE_1ST_VERSION)
    AS previous_mean_end_shift,  -- Mean shift of the end of loans (days) | Décalage moyen de la fin des crédits (jours)
  COUNT(*) FILTER (WHERE DAYS_LAST_DUE < DAYS_LAST_DUE_1ST_VERSION - 30)
    AS previous_early_ends,  -- Earlier loans ended early | Crédits antérieurs terminés par avance
  AVG(DAYS_FIRST_DRAWING)
    AS previous_mean_first_drawing_day  -- Mean day of first card drawing | Jour moyen du premier tirage sur carte
FROM measured
GROUP BY SK_ID_CURR
