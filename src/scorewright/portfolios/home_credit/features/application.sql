-- The application itself, then its ratios, then ratios with the histories.
-- Left out of the raw columns, for they cost the models accuracy: the mode and median twins of the building's averages, flags
-- that are nearly constant (most of them count in documents_provided, address_mismatches, contact_channels or
-- recent_enquiries) and the 60-day twins of the acquaintances' delays.
-- Age enters once, as it is: ratios to age added nothing, and would have made half the reasons speak of a protected attribute.
-- Amounts enter as logarithms and ratios are bounded, so that one enormous income does not bend a linear model. Bounds are
-- written with CASE: LEAST and GREATEST skip nulls and would turn a missing value into the bound.
--
-- The lender's tariffs. Cash loans come at standard terms and rates, so that credit to instalment takes few values, and tells
-- both. Three in four instalments hold a fixed monthly fee of 130.50; an instalment fits a tariff when it is the tariff's own,
-- or that and the fee, within 4.50, the unit in which amounts are stated. Rates are yearly, in per cent, read off credit,
-- instalment and the known term of earlier loans. One cash loan in fifty fits none, and its rate and term are null, as are
-- those of revolving loans. A rate is the lender's own judgement of the risk, and says more than any ratio: a lender who sets
-- the price only after the score must leave these features out.
WITH instalment AS (
  SELECT *, AMT_ANNUITY - 65.25 AS due FROM application
), tariff AS (
  SELECT *,
    CASE
      WHEN ABS(ABS(due - AMT_CREDIT / 8.4264) - 65.25) < 4.5 THEN 70.9
      WHEN ABS(ABS(due - AMT_CREDIT / 8.8421) - 65.25) < 4.5 THEN 60.5
      WHEN ABS(ABS(due - AMT_CREDIT / 8.8634) - 65.25) < 4.5 THEN 60.0
      WHEN ABS(ABS(due - AMT_CREDIT / 9.2857) - 65.25) < 4.5 THEN 50.2
      WHEN ABS(ABS(due - AMT_CREDIT / 9.4251) - 65.25) < 4.5 THEN 47.1
      WHEN ABS(ABS(due - AMT_CREDIT / 9.5233) - 65.25) < 4.5 THEN 45.0
      WHEN ABS(ABS(due - AMT_CREDIT / 9.7598) - 65.25) < 4.5 THEN 40.0
      WHEN ABS(ABS(due - AMT_CREDIT / 10.1108) - 65.25) < 4.5 THEN 32.9
      WHEN ABS(ABS(due - AMT_CREDIT / 10.2651) - 65.25) < 4.5 THEN 29.8
      WHEN ABS(ABS(due - AMT_CREDIT / 10.3704) - 65.25) < 4.5 THEN 27.8
      WHEN ABS(ABS(due - AMT_CREDIT / 10.5321) - 65.25) < 4.5 THEN 24.8
      WHEN ABS(ABS(due - AMT_CREDIT / 10.6954) - 65.25) < 4.5 THEN 21.8
      WHEN ABS(ABS(due - AMT_CREDIT / 10.8068) - 65.25) < 4.5 THEN 19.8
    END AS rate_12,
    CASE
      WHEN ABS(ABS(due - AMT_CREDIT / 10.9034) - 65.25) < 4.5 THEN 70.9
      WHEN ABS(ABS(due - AMT_CREDIT / 11.6515) - 65.25) < 4.5 THEN 60.5
      WHEN ABS(ABS(due - AMT_CREDIT / 12.4727) - 65.25) < 4.5 THEN 50.2
      WHEN ABS(ABS(due - AMT_CREDIT / 12.7361) - 65.25) < 4.5 THEN 47.1
      WHEN ABS(ABS(due - AMT_CREDIT / 12.9222) - 65.25) < 4.5 THEN 45.0
      WHEN ABS(ABS(due - AMT_CREDIT / 13.3754) - 65.25) < 4.5 THEN 40.0
      WHEN ABS(ABS(due - AMT_CREDIT / 14.0617) - 65.25) < 4.5 THEN 32.9
      WHEN ABS(ABS(due - AMT_CREDIT / 14.3684) - 65.25) < 4.5 THEN 29.8
      WHEN ABS(ABS(due - AMT_CREDIT / 14.9038) - 65.25) < 4.5 THEN 24.8
    END AS rate_18,
    CASE
      WHEN ABS(ABS(due - AMT_CREDIT / 11.6942) - 65.25) < 4.5 THEN 81.4
      WHEN ABS(ABS(due - AMT_CREDIT / 12.6572) - 65.25) < 4.5 THEN 70.9
      WHEN ABS(ABS(due - AMT_CREDIT / 13.7426) - 65.25) < 4.5 THEN 60.5
      WHEN ABS(ABS(due - AMT_CREDIT / 13.7997) - 65.25) < 4.5 THEN 60.0
      WHEN ABS(ABS(due - AMT_CREDIT / 14.9642) - 65.25) < 4.5 THEN 50.2
      WHEN ABS(ABS(due - AMT_CREDIT / 15.3600) - 65.25) < 4.5 THEN 47.1
      WHEN ABS(ABS(due - AMT_CREDIT / 15.6479) - 65.25) < 4.5 THEN 45.0
      WHEN ABS(ABS(due - AMT_CREDIT / 16.3466) - 65.25) < 4.5 THEN 40.0
      WHEN ABS(ABS(due - AMT_CREDIT / 16.7936) - 65.25) < 4.5 THEN 36.9
      WHEN ABS(ABS(due - AMT_CREDIT / 17.4198) - 65.25) < 4.5 THEN 32.9
      WHEN ABS(ABS(due - AMT_CREDIT / 17.9091) - 65.25) < 4.5 THEN 29.8
      WHEN ABS(ABS(due - AMT_CREDIT / 18.2483) - 65.25) < 4.5 THEN 27.8
      WHEN ABS(ABS(due - AMT_CREDIT / 18.7698) - 65.25) < 4.5 THEN 24.8
      WHEN ABS(ABS(due - AMT_CREDIT / 19.3136) - 65.25) < 4.5 THEN 21.8
      WHEN ABS(ABS(due - AMT_CREDIT / 19.6850) - 65.25) < 4.5 THEN 19.8
    END AS rate_24,
    CASE
      WHEN ABS(ABS(due - AMT_CREDIT / 14.7831) - 65.25) < 4.5 THEN 70.9
      WHEN ABS(ABS(due - AMT_CREDIT / 16.5486) - 65.25) < 4.5 THEN 60.0
      WHEN ABS(ABS(due - AMT_CREDIT / 18.4341) - 65.25) < 4.5 THEN 50.2
      WHEN ABS(ABS(due - AMT_CREDIT / 19.0998) - 65.25) < 4.5 THEN 47.1
      WHEN ABS(ABS(due - AMT_CREDIT / 19.5594) - 65.25) < 4.5 THEN 45.1
      WHEN ABS(ABS(due - AMT_CREDIT / 19.5857) - 65.25) < 4.5 THEN 45.0
      WHEN ABS(ABS(due - AMT_CREDIT / 20.7869) - 65.25) < 4.5 THEN 40.0
      WHEN ABS(ABS(due - AMT_CREDIT / 21.5811) - 65.25) < 4.5 THEN 36.9
      WHEN ABS(ABS(due - AMT_CREDIT / 22.1304) - 65.25) < 4.5 THEN 34.9
      WHEN ABS(ABS(due - AMT_CREDIT / 22.7029) - 65.25) < 4.5 THEN 32.9
      WHEN ABS(ABS(due - AMT_CREDIT / 23.6028) - 65.25) < 4.5 THEN 29.8
      WHEN ABS(ABS(due - AMT_CREDIT / 24.2315) - 65.25) < 4.5 THEN 27.8
      WHEN ABS(ABS(due - AMT_CREDIT / 24.5528) - 65.25) < 4.5 THEN 26.8
      WHEN ABS(ABS(due - AMT_CREDIT / 25.2153) - 65.25) < 4.5 THEN 24.8
      WHEN ABS(ABS(due - AMT_CREDIT / 25.5580) - 65.25) < 4.5 THEN 23.8
      WHEN ABS(ABS(due - AMT_CREDIT / 26.2546) - 65.25) < 4.5 THEN 21.8
      WHEN ABS(ABS(due - AMT_CREDIT / 26.9844) - 65.25) < 4.5 THEN 19.8
    END AS rate_36,
    CASE
      WHEN ABS(ABS(due - AMT_CREDIT / 20.5602) - 65.25) < 4.5 THEN 50.2
      WHEN ABS(ABS(due - AMT_CREDIT / 21.4511) - 65.25) < 4.5 THEN 47.1
      WHEN ABS(ABS(due - AMT_CREDIT / 23.7892) - 65.25) < 4.5 THEN 40.0
      WHEN ABS(ABS(due - AMT_CREDIT / 25.6959) - 65.25) < 4.5 THEN 34.9
      WHEN ABS(ABS(due - AMT_CREDIT / 26.5265) - 65.25) < 4.5 THEN 32.9
      WHEN ABS(ABS(due - AMT_CREDIT / 27.8410) - 65.25) < 4.5 THEN 29.8
      WHEN ABS(ABS(due - AMT_CREDIT / 28.7694) - 65.25) < 4.5 THEN 27.8
      WHEN ABS(ABS(due - AMT_CREDIT / 29.2871) - 65.25) < 4.5 THEN 26.8
      WHEN ABS(ABS(due - AMT_CREDIT / 30.2585) - 65.25) < 4.5 THEN 24.8
      WHEN ABS(ABS(due - AMT_CREDIT / 30.7714) - 65.25) < 4.5 THEN 23.8
      WHEN ABS(ABS(due - AMT_CREDIT / 31.8484) - 65.25) < 4.5 THEN 21.8
      WHEN ABS(ABS(due - AMT_CREDIT / 32.9835) - 65.25) < 4.5 THEN 19.8
    END AS rate_48,
    CASE
      WHEN ABS(ABS(due - AMT_CREDIT / 25.8078) - 65.25) < 4.5 THEN 40.0
      WHEN ABS(ABS(due - AMT_CREDIT / 27.2190) - 65.25) < 4.5 THEN 36.9
      WHEN ABS(ABS(due - AMT_CREDIT / 28.2248) - 65.25) < 4.5 THEN 34.9
      WHEN ABS(ABS(due - AMT_CREDIT / 30.9997) - 65.25) < 4.5 THEN 29.8
      WHEN ABS(ABS(due - AMT_CREDIT / 32.2165) - 65.25) < 4.5 THEN 27.8
      WHEN ABS(ABS(due - AMT_CREDIT / 34.2017) - 65.25) < 4.5 THEN 24.8
      WHEN ABS(ABS(due - AMT_CREDIT / 34.8934) - 65.25) < 4.5 THEN 23.8
      WHEN ABS(ABS(due - AMT_CREDIT / 36.3653) - 65.25) < 4.5 THEN 21.8
      WHEN ABS(ABS(due - AMT_CREDIT / 37.9097) - 65.25) < 4.5 THEN 19.8
    END AS rate_60
  FROM instalment
), standard AS (
  SELECT *,
    CASE WHEN NAME_CONTRACT_TYPE = 'Cash loans' THEN COALESCE(rate_12, rate_18, rate_24, rate_36, rate_48, rate_60) END AS rate,
    CASE
      WHEN NAME_CONTRACT_TYPE <> 'Cash loans' THEN NULL
      WHEN rate_12 > 0 THEN 12
      WHEN rate_18 > 0 THEN 18
      WHEN rate_24 > 0 THEN 24
      WHEN rate_36 > 0 THEN 36
      WHEN rate_48 > 0 THEN 48
      WHEN rate_60 > 0 THEN 60
    END AS term
  FROM tariff
), known AS (
  SELECT *,
    CASE WHEN EXT_SOURCE_1 IS NULL THEN 0 ELSE 1 END AS known_1,
    CASE WHEN EXT_SOURCE_2 IS NULL THEN 0 ELSE 1 END AS known_2,
    CASE WHEN EXT_SOURCE_3 IS NULL THEN 0 ELSE 1 END AS known_3,
    AMT_CREDIT * rate / 1200 / (1 - POWER(1 + rate / 1200, -term)) AS tariff_instalment
  FROM standard
), measured AS (
  SELECT *,
    known_1 + known_2 + known_3 AS ext_known,
    (COALESCE(EXT_SOURCE_1, 0) + COALESCE(EXT_SOURCE_2, 0) + COALESCE(EXT_SOURCE_3, 0))
      / NULLIF(known_1 + known_2 + known_3, 0) AS ext_mean,
    CAST(DAYS_EMPLOYED AS DOUBLE) / -365.25 AS employed_years,
    CASE
      WHEN NAME_EDUCATION_TYPE = 'Lower secondary' THEN 1
      WHEN NAME_EDUCATION_TYPE = 'Secondary / secondary special' THEN 2
      WHEN NAME_EDUCATION_TYPE = 'Incomplete higher' THEN 3
      WHEN NAME_EDUCATION_TYPE = 'Higher education' THEN 4
      WHEN NAME_EDUCATION_TYPE = 'Academic degree' THEN 5
    END AS education,
    CASE
      WHEN OCCUPATION_TYPE IN ('Low-skill Laborers', 'Cleaning staff', 'Waiters/barmen staff') THEN 1
      WHEN OCCUPATION_TYPE IN ('Laborers', 'Drivers', 'Security staff', 'Cooking staff', 'Sales staff') THEN 2
      WHEN OCCUPATION_TYPE IN ('Private service staff', 'Secretaries', 'Core staff', 'Realty agents', 'Medicine staff') THEN 3
      WHEN OCCUPATION_TYPE IN ('Managers', 'High skill tech staff', 'Accountants', 'HR staff', 'IT staff') THEN 4
    END AS skill,
    AMT_CREDIT / NULLIF(AMT_ANNUITY, 0) AS instalments,
    AMT_ANNUITY / NULLIF(AMT_INCOME_TOTAL, 0) AS annuity_share,
    AMT_CREDIT / NULLIF(AMT_INCOME_TOTAL, 0) AS credit_share,
    (term * AMT_ANNUITY - AMT_CREDIT) / NULLIF(AMT_INCOME_TOTAL, 0) AS interest_share,
    bureau_active_debt / NULLIF(AMT_INCOME_TOTAL, 0) AS debt_share,
    (AMT_ANNUITY + COALESCE(bureau_active_annuity, 0) + COALESCE(previous_running_annuity, 0))
      / NULLIF(AMT_INCOME_TOTAL, 0) AS all_annuities,
    AMT_CREDIT / NULLIF(previous_mean_credit, 0) AS credit_growth,
    AMT_CREDIT / NULLIF(previous_largest_credit, 0) AS credit_to_largest,
    AMT_ANNUITY / NULLIF(previous_mean_annuity, 0) AS annuity_growth,
    AMT_ANNUITY / NULLIF(instalments_mean_amount, 0) AS annuity_to_paid,
    instalments_paid_last_year / NULLIF(AMT_INCOME_TOTAL, 0) AS repaid_share,
    card_recent_balance / NULLIF(AMT_INCOME_TOTAL, 0) AS card_share
  FROM known
)
SELECT
  -- As stated.
  NAME_CONTRACT_TYPE,
  FLAG_OWN_CAR,
  FLAG_OWN_REALTY,
  CNT_CHILDREN,
  AMT_INCOME_TOTAL,
  AMT_CREDIT,
  AMT_ANNUITY,
  AMT_GOODS_PRICE,
  NAME_TYPE_SUITE,
  NAME_INCOME_TYPE,
  NAME_EDUCATION_TYPE,
  NAME_HOUSING_TYPE,
  REGION_POPULATION_RELATIVE,
  DAYS_BIRTH,
  DAYS_EMPLOYED,
  DAYS_REGISTRATION,
  DAYS_ID_PUBLISH,
  OWN_CAR_AGE,
  FLAG_WORK_PHONE,
  FLAG_PHONE,
  FLAG_EMAIL,
  OCCUPATION_TYPE,
  CNT_FAM_MEMBERS,
  REGION_RATING_CLIENT,
  REGION_RATING_CLIENT_W_CITY,
  WEEKDAY_APPR_PROCESS_START,
  HOUR_APPR_PROCESS_START,
  REG_CITY_NOT_LIVE_CITY,
  REG_CITY_NOT_WORK_CITY,
  LIVE_CITY_NOT_WORK_CITY,
  ORGANIZATION_TYPE,
  EXT_SOURCE_1,
  EXT_SOURCE_2,
  EXT_SOURCE_3,
  APARTMENTS_AVG,
  BASEMENTAREA_AVG,
  YEARS_BEGINEXPLUATATION_AVG,
  YEARS_BUILD_AVG,
  COMMONAREA_AVG,
  ELEVATORS_AVG,
  ENTRANCES_AVG,
  FLOORSMAX_AVG,
  FLOORSMIN_AVG,
  LANDAREA_AVG,
  LIVINGAPARTMENTS_AVG,
  LIVINGAREA_AVG,
  NONLIVINGAREA_AVG,
  FONDKAPREMONT_MODE,
  HOUSETYPE_MODE,
  TOTALAREA_MODE,
  WALLSMATERIAL_MODE,
  EMERGENCYSTATE_MODE,
  OBS_30_CNT_SOCIAL_CIRCLE,
  DEF_30_CNT_SOCIAL_CIRCLE,
  DAYS_LAST_PHONE_CHANGE,
  FLAG_DOCUMENT_3,
  AMT_REQ_CREDIT_BUREAU_MON,
  AMT_REQ_CREDIT_BUREAU_QRT,
  AMT_REQ_CREDIT_BUREAU_YEAR,

  -- External scores. A mean is that of the scores there are; a product or a difference needs all its scores.
  ext_mean AS ext_source_mean,  -- Mean external score | Score externe moyen
  LEAST(EXT_SOURCE_1, EXT_SOURCE_2, EXT_SOURCE_3) AS ext_source_min,  -- Lowest external score | Score externe le plus bas
  GREATEST(EXT_SOURCE_1, EXT_SOURCE_2, EXT_SOURCE_3) AS ext_source_max,  -- Highest external score | Score externe le plus haut
  GREATEST(EXT_SOURCE_1, EXT_SOURCE_2, EXT_SOURCE_3) - LEAST(EXT_SOURCE_1, EXT_SOURCE_2, EXT_SOURCE_3)
    AS ext_source_spread,  -- Spread of external scores | Écart entre scores externes
  (2 * COALESCE(EXT_SOURCE_1, 0) + 3 * COALESCE(EXT_SOURCE_2, 0) + 4 * COALESCE(EXT_SOURCE_3, 0))
    / NULLIF(2 * known_1 + 3 * known_2 + 4 * known_3, 0)
    AS ext_source_weighted,  -- Weighted mean of external scores | Moyenne pondérée des scores externes
  EXT_SOURCE_1 * EXT_SOURCE_2 * EXT_SOURCE_3 AS ext_source_product,  -- Product of external scores | Produit des scores externes
  EXT_SOURCE_1 * EXT_SOURCE_2
    AS ext_source_product_1_2,  -- Product of external scores 1 and 2 | Produit des scores externes 1 et 2
  EXT_SOURCE_1 * EXT_SOURCE_3
    AS ext_source_product_1_3,  -- Product of external scores 1 and 3 | Produit des scores externes 1 et 3
  EXT_SOURCE_2 * EXT_SOURCE_3
    AS ext_source_product_2_3,  -- Product of external scores 2 and 3 | Produit des scores externes 2 et 3
  EXT_SOURCE_2 - EXT_SOURCE_3 AS ext_source_difference,  -- External score 2 less score 3 | Score externe 2 moins score 3
  ext_known AS ext_sources_known,  -- External scores known | Scores externes connus
  CASE WHEN EXT_SOURCE_1 IS NULL THEN 1 ELSE 0 END
    AS ext_source_1_missing,  -- External score 1 is missing | Score externe 1 absent
  CASE WHEN EXT_SOURCE_3 IS NULL THEN 1 ELSE 0 END
    AS ext_source_3_missing,  -- External score 3 is missing | Score externe 3 absent
  (COALESCE(EXT_SOURCE_1, 0) + COALESCE(EXT_SOURCE_2, 0) + COALESCE(EXT_SOURCE_3, 0)) * instalments
    AS ext_source_by_term,  -- External scores by length of credit | Scores externes par durée du crédit
  EXT_SOURCE_3 * employed_years
    AS ext_source_3_by_employed,  -- External score 3 by time in job | Score externe 3 par ancienneté d'emploi
  ext_mean * education AS ext_source_by_education,  -- External scores by education | Scores externes par niveau d'études
  (1 - ext_mean) * REGION_RATING_CLIENT_W_CITY
    AS ext_source_by_region,  -- Poor external scores by region | Scores externes faibles par région
  (1 - ext_mean) * annuity_share AS ext_source_by_burden,  -- Poor external scores by burden | Scores externes faibles par charge

  -- The tariff: term, rate, fee, insurance, and what the loan costs in all.
  term AS implied_term,  -- Term of the tariff (months) | Durée du barème (mois)
  rate AS implied_rate,  -- Interest of the tariff (%) | Taux d'intérêt du barème (%)
  CASE WHEN AMT_ANNUITY - tariff_instalment > 65 THEN 1 WHEN AMT_ANNUITY - tariff_instalment <= 65 THEN 0 END
    AS service_fee,  -- Monthly service fee charged | Frais mensuels de service facturés
  rate * (1 - ext_mean) AS rate_by_ext_source,  -- Interest by poor external scores | Taux par scores externes faibles
  term * AMT_ANNUITY / NULLIF(AMT_CREDIT, 0) AS total_to_credit,  -- Total repayment to credit | Total à rembourser sur crédit
  (AMT_CREDIT / NULLIF(AMT_GOODS_PRICE, 0) - 1) / term
    AS insurance_rate,  -- Insurance per month to goods | Assurance par mois sur prix du bien
  CASE WHEN interest_share > 10 THEN 10 ELSE interest_share END
    AS interest_to_income,  -- Interest of the whole loan to monthly income | Intérêts du prêt entier sur revenu mensuel
  CASE WHEN NAME_CONTRACT_TYPE = 'Cash loans' AND AMT_ANNUITY IS NOT NULL AND rate IS NULL THEN 1 ELSE 0 END
    AS off_tariff,  -- Terms outside the standard tariffs | Conditions hors barème
  rate - previous_mean_rate AS rate_to_previous,  -- Interest less earlier interest (points) | Taux moins taux antérieur (points)
  rate - previous_lowest_rate
    AS rate_over_lowest,  -- Interest over the lowest earlier one (points) | Taux au-delà du plus bas antérieur (points)

  -- The loan against goods and income.
  instalments AS credit_to_annuity,  -- Credit in instalments (months) | Crédit en nombre de mensualités
  AMT_CREDIT / NULLIF(AMT_GOODS_PRICE, 0) AS credit_to_goods,  -- Credit to price of goods | Crédit sur prix du bien
  (AMT_CREDIT - AMT_GOODS_PRICE) / NULLIF(AMT_ANNUITY, 0)
    AS credit_over_goods_instalments,  -- Credit beyond the goods (instalments) | Crédit au-delà du bien (mensualités)
  CASE WHEN AMT_CREDIT < AMT_GOODS_PRICE THEN 1 WHEN AMT_CREDIT >= AMT_GOODS_PRICE THEN 0 END
    AS down_payment,  -- Credit below the price of goods | Crédit inférieur au prix du bien
  CASE WHEN annuity_share > 1 THEN 1 ELSE annuity_share END AS annuity_to_income,  -- Instalment to income | Mensualité sur revenu
  CASE WHEN credit_share > 20 THEN 20 ELSE credit_share END AS credit_to_income,  -- Credit to income | Crédit sur revenu
  CASE WHEN AMT_INCOME_TOTAL > 0 THEN LN(AMT_INCOME_TOTAL) END AS income_log,  -- Income (logarithm) | Revenu (logarithme)
  CASE WHEN AMT_CREDIT > 0 THEN LN(AMT_CREDIT) END AS credit_log,  -- Credit amount (logarithm) | Montant du crédit (logarithme)
  CASE WHEN AMT_ANNUITY > 0 THEN LN(AMT_ANNUITY) END AS annuity_log,  -- Instalment (logarithm) | Mensualité (logarithme)
  CASE WHEN AMT_GOODS_PRICE > 0 THEN LN(AMT_GOODS_PRICE) END
    AS goods_log,  -- Price of goods (logarithm) | Prix du bien (logarithme)
  CASE WHEN AMT_INCOME_TOTAL > 0 AND CNT_FAM_MEMBERS > 0 THEN LN(AMT_INCOME_TOTAL / CNT_FAM_MEMBERS) END
    AS income_per_person_log,  -- Income per household member (logarithm) | Revenu par personne du foyer (logarithme)
  CASE WHEN AMT_INCOME_TOTAL > AMT_ANNUITY AND CNT_FAM_MEMBERS > 0
    THEN LN((AMT_INCOME_TOTAL - AMT_ANNUITY) / CNT_FAM_MEMBERS) END
    AS income_left_log,  -- Income left per person after the instalment (log) | Reste à vivre par personne (logarithme)

  -- The household, work and home.
  CNT_CHILDREN / NULLIF(CNT_FAM_MEMBERS, 0)
    AS children_share,  -- Share of children in the household | Part d'enfants dans le foyer
  education AS education_level,  -- Level of education (1 to 5) | Niveau d'études (1 à 5)
  skill AS occupation_level,  -- Skill of the occupation (1 to 4) | Qualification de la profession (1 à 4)
  CASE
    WHEN ORGANIZATION_TYPE = 'XNA' THEN 'none'
    WHEN ORGANIZATION_TYPE = 'Self-employed' THEN 'own business'
    WHEN ORGANIZATION_TYPE IN ('School', 'Kindergarten', 'University', 'Medicine', 'Culture', 'Government', 'Military', 'Police',
      'Security Ministries', 'Emergency', 'Postal', 'Housing', 'Electricity', 'Religion') THEN 'public service'
    WHEN ORGANIZATION_TYPE IN ('Bank', 'Insurance', 'Legal Services', 'Telecom', 'Mobile', 'Advertising') THEN 'office'
    WHEN ORGANIZATION_TYPE LIKE 'Trade%' OR ORGANIZATION_TYPE IN ('Restaurant', 'Hotel', 'Services', 'Realtor') THEN 'trade'
    WHEN ORGANIZATION_TYPE LIKE 'Industry%' OR ORGANIZATION_TYPE = 'Agriculture' THEN 'industry'
    WHEN ORGANIZATION_TYPE LIKE 'Transport%' OR ORGANIZATION_TYPE IN ('Construction', 'Security', 'Cleaning') THEN 'labour'
    WHEN ORGANIZATION_TYPE IS NOT NULL THEN 'company'
  END AS employer_sector,  -- Sector of the employer | Secteur de l'employeur
  CASE WHEN employed_years >= 0 THEN SQRT(employed_years) END
    AS employed_root_years,  -- Time in job (root of years) | Ancienneté d'emploi (racine des années)
  CASE WHEN DAYS_EMPLOYED IS NULL THEN 1 ELSE 0 END AS not_employed,  -- Not employed | Sans emploi
  CASE WHEN employed_years < 1 THEN 1 WHEN employed_years >= 1 THEN 0 END
    AS new_job,  -- Less than a year in the job | Moins d'un an dans l'emploi
  CASE WHEN FLAG_OWN_CAR = 'N' THEN 0 ELSE 1 / (1 + OWN_CAR_AGE) END
    AS car_newness,  -- Newness of the car (1 new, 0 none) | Nouveauté de la voiture (1 neuve, 0 aucune)
  CASE WHEN OCCUPATION_TYPE IS NULL THEN 1 ELSE 0 END AS occupation_unknown,  -- Occupation not stated | Profession non déclarée
  CASE WHEN TOTALAREA_MODE IS NULL THEN 1 ELSE 0 END AS building_unknown,  -- Building not described | Immeuble non décrit
  CASE WHEN APARTMENTS_AVG IS NULL THEN 0 ELSE 1 END + CASE WHEN BASEMENTAREA_AVG IS NULL THEN 0 ELSE 1 END
    + CASE WHEN YEARS_BUILD_AVG IS NULL THEN 0 ELSE 1 END + CASE WHEN COMMONAREA_AVG IS NULL THEN 0 ELSE 1 END
    + CASE WHEN ELEVATORS_AVG IS NULL THEN 0 ELSE 1 END + CASE WHEN ENTRANCES_AVG IS NULL THEN 0 ELSE 1 END
    + CASE WHEN FLOORSMAX_AVG IS NULL THEN 0 ELSE 1 END + CASE WHEN LANDAREA_AVG IS NULL THEN 0 ELSE 1 END
    + CASE WHEN LIVINGAREA_AVG IS NULL THEN 0 ELSE 1 END + CASE WHEN TOTALAREA_MODE IS NULL THEN 0 ELSE 1 END
    AS building_facts,  -- Facts known of the building | Éléments connus de l'immeuble

  -- What moved lately. A change long ago says little; a change last month may say much.
  LN(1 - DAYS_LAST_PHONE_CHANGE) AS phone_age_log,  -- Time with the phone (logarithm) | Ancienneté du téléphone (logarithme)
  CASE WHEN DAYS_ID_PUBLISH > -366 THEN 1 WHEN DAYS_ID_PUBLISH <= -366 THEN 0 END
    AS new_identity_paper,  -- Identity paper within a year | Pièce d'identité de moins d'un an
  DAYS_LAST_PHONE_CHANGE / NULLIF(DAYS_EMPLOYED, 0)
    AS phone_to_job,  -- Time with the phone to time in job | Ancienneté du téléphone sur celle de l'emploi

  -- Papers, contacts, place and hour.
  FLAG_DOCUMENT_2 + FLAG_DOCUMENT_3 + FLAG_DOCUMENT_4 + FLAG_DOCUMENT_5 + FLAG_DOCUMENT_6 + FLAG_DOCUMENT_7 + FLAG_DOCUMENT_8
    + FLAG_DOCUMENT_9 + FLAG_DOCUMENT_10 + FLAG_DOCUMENT_11 + FLAG_DOCUMENT_12 + FLAG_DOCUMENT_13 + FLAG_DOCUMENT_14
    + FLAG_DOCUMENT_15 + FLAG_DOCUMENT_16 + FLAG_DOCUMENT_17 + FLAG_DOCUMENT_18 + FLAG_DOCUMENT_19 + FLAG_DOCUMENT_20
    + FLAG_DOCUMENT_21 AS documents_provided,  -- Documents provided | Documents fournis
  REG_REGION_NOT_LIVE_REGION + REG_REGION_NOT_WORK_REGION + LIVE_REGION_NOT_WORK_REGION + REG_CITY_NOT_LIVE_CITY
    + REG_CITY_NOT_WORK_CITY + LIVE_CITY_NOT_WORK_CITY
    AS address_mismatches,  -- Addresses that do not match | Adresses discordantes
  FLAG_EMP_PHONE + FLAG_WORK_PHONE + FLAG_CONT_MOBILE + FLAG_PHONE + FLAG_EMAIL
    AS contact_channels,  -- Ways to reach the applicant | Moyens de joindre le demandeur

  -- Acquaintances and enquiries. No acquaintance watched is no rate, not a rate of zero.
  DEF_30_CNT_SOCIAL_CIRCLE / NULLIF(OBS_30_CNT_SOCIAL_CIRCLE, 0)
    AS circle_default_share,  -- Share of acquaintances 30 days late | Part de l'entourage à 30 jours de retard
  AMT_REQ_CREDIT_BUREAU_HOUR + AMT_REQ_CREDIT_BUREAU_DAY + AMT_REQ_CREDIT_BUREAU_WEEK + AMT_REQ_CREDIT_BUREAU_MON
    + AMT_REQ_CREDIT_BUREAU_QRT
    AS recent_enquiries,  -- Bureau enquiries within a quarter | Consultations du bureau sur un trimestre
  AMT_REQ_CREDIT_BUREAU_HOUR + AMT_REQ_CREDIT_BUREAU_DAY + AMT_REQ_CREDIT_BUREAU_WEEK + AMT_REQ_CREDIT_BUREAU_MON
    + AMT_REQ_CREDIT_BUREAU_QRT + AMT_REQ_CREDIT_BUREAU_YEAR
    AS enquiries,  -- Bureau enquiries within a year | Consultations du bureau sur un an
  CASE WHEN AMT_REQ_CREDIT_BUREAU_YEAR IS NULL THEN 1 ELSE 0 END
    AS enquiries_unknown,  -- Bureau enquiries unknown | Consultations du bureau inconnues

  -- Against the histories: null where the history is, unless stated.
  CASE WHEN debt_share > 50 THEN 50 ELSE debt_share END
    AS bureau_debt_to_income,  -- Debt elsewhere to income | Encours ailleurs sur revenu
  CASE WHEN bureau_active_debt > 50 * AMT_CREDIT THEN 50 ELSE bureau_active_debt / NULLIF(AMT_CREDIT, 0) END
    AS bureau_debt_to_this_credit,  -- Debt elsewhere to this credit | Encours ailleurs sur ce crédit
  CASE WHEN AMT_CREDIT > 50 * bureau_largest_credit THEN 50 ELSE AMT_CREDIT / NULLIF(bureau_largest_credit, 0) END
    AS credit_to_largest_elsewhere,  -- This credit to the largest elsewhere | Ce crédit sur le plus gros d'ailleurs
  CASE WHEN all_annuities > 5 THEN 5 ELSE all_annuities END
    AS all_annuities_to_income,  -- All instalments to income | Ensemble des mensualités sur revenu
  CASE WHEN credit_growth > 50 THEN 50 ELSE credit_growth END
    AS credit_to_previous_credit,  -- This credit to earlier credits | Ce crédit sur les crédits antérieurs
  CASE WHEN credit_to_largest > 50 THEN 50 ELSE credit_to_largest END
    AS credit_to_largest_previous,  -- This credit to the largest earlier one | Ce crédit sur le plus gros antérieur
  CASE WHEN annuity_growth > 50 THEN 50 ELSE annuity_growth END
    AS annuity_to_previous_annuity,  -- This instalment to earlier instalments | Cette mensualité sur les précédentes
  CASE WHEN annuity_to_paid > 50 THEN 50 ELSE annuity_to_paid END
    AS annuity_to_instalments,  -- This instalment to those on record | Cette mensualité sur les échéances connues
  CASE WHEN repaid_share > 10 THEN 10 ELSE repaid_share END
    AS paid_last_year_to_income,  -- Repaid in the last year to income | Remboursé depuis un an sur revenu
  CASE WHEN card_share > 10 THEN 10 ELSE card_share END
    AS card_balance_to_income,  -- Card balance to income | Encours de carte sur revenu
  CASE WHEN bureau_loans IS NULL AND previous_applications IS NULL THEN NULL
    ELSE COALESCE(bureau_loans_last_year, 0) + COALESCE(previous_applications_last_year, 0) END
    AS credit_requests_last_year,  -- Loans and requests in the last year | Crédits et demandes depuis un an
  CASE WHEN bureau_loans IS NULL AND previous_applications IS NULL THEN NULL
    ELSE COALESCE(bureau_active_loans, 0) + COALESCE(previous_running_loans, 0) END
    AS running_loans,  -- Loans running here and elsewhere | Crédits en cours ici et ailleurs
  GREATEST(bureau_latest_loan_day, previous_latest_approval_day)
    AS latest_borrowing_day  -- Day of the latest borrowing anywhere | Jour du dernier emprunt, où que ce soit
FROM measured
