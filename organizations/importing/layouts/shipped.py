"""The layouts that ship with the project: recognised by their header, read-only, as data.

`reader` names the code that reads what columns alone do not say, such as what a line is.
"""

from typing import Any

from organizations.importing.layouts.layout import MONTH, Layout

CONSUMPTION = "consumption"
GRID = {"category": "electricity", "activity": "grid", "unit": "kWh"}

DATADIS = Layout(
    name="datadis",
    kind=CONSUMPTION,
    columns={
        "cups": "CUPS",
        "start_date": "Fecha|Date",
        "hour": "Hora|Time",
        "quantity": "Consumo_kWh|Consumo kWh|consumptionKWh|AE_kWh",
        "data_quality": "Metodo_obtencion|metodoObtencion|obtainMethod|REAL/ESTIMADO",
    },
    constants=GRID,
    decimal="comma",
    dates="dmy",
    sum_by=MONTH,
    qualities={
        "Real": "actual",
        "R": "actual",
        "Estimada": "estimated",
        "Estimado": "estimated",
        "E": "estimated",
    },
    reader="datadis",
)
"""Spain: an hour a line, by its end on the wall clock."""

ENEDIS = Layout(
    name="enedis",
    kind=CONSUMPTION,
    columns={
        "start_date": "Horodate|Valeur (en kWh)|Valeur (en kW)",
        "quantity": "Valeur|EAS T|Valeur (en kWh)|Valeur (en kW)",
    },
    constants=GRID,
    sum_by=MONTH,
    reader="enedis",
)
"""France: the mean power until the moment that is given, or a day's index; the PRM stands above.
The workbook's “Date” and “Début” say too little to know a file by; its quantity does."""

GREEN_BUTTON = Layout(
    name="green_button",
    kind=CONSUMPTION,
    columns={
        name: name
        for name in (
            "meter",
            "start",
            "duration",
            "quantity",
            "data_quality",
            "size",
            "zone",
            "category",
            "activity",
            "unit",
        )
    },
    decimal="point",
    sum_by=MONTH,
    reader="green_button",
)
"""North America: ESPI's XML, which `tables.green_button` makes a table of."""

UK_HALF_HOURLY = Layout(
    name="uk_half_hourly",
    kind=CONSUMPTION,
    columns={
        "meter": "MPAN|MPAN Core|MPAN Number|Meter Point|Meter Point Reference|MPAN ID",
        "start_date": "Date|Settlement Date|Reading Date|Read Date|ConsumptionDate",
    },
    optional={
        "unit": "Unit|Units|UOM|Unit of Measure|Measurement Unit",
        "measured": "Measurement Quantity|Measurement Quantity ID|MQ",
        "data_quality": "Actual/Estimated|Actual/Estimate|Actual or Estimated|Estimated|A/E",
    },
    constants=GRID,
    dates="dmy",
    qualities={
        "A": "actual",
        "Actual": "actual",
        "N": "actual",
        "No": "actual",
        "E": "estimated",
        "Est": "estimated",
        "Estimate": "estimated",
        "Estimated": "estimated",
        "Y": "estimated",
        "Yes": "estimated",
    },
    sum_by=MONTH,
    shape="half_hours",
    reader="half_hours",
)
"""Great Britain: a day a line, with a column for each half hour."""

WIDE_MONTHS = Layout(
    name="wide_months",
    kind=CONSUMPTION,
    columns={
        "facility_id": "facility_id|Facility|Building|Site|Property|Location|Sede|Centro|Edificio"
        "|Property Id|Building ID|Site ID|Gebäude|Standort|Bâtiment"
    },
    optional={
        "meter": "Meter|Meter ID|Meter Number|MPAN|PRM|Contador|Zähler|Compteur",
        "cups": "CUPS",
        "category": "Category|Categoría",
        "activity": "Activity|Fuel|Actividad",
        "unit": "Unit|Units|UOM|Unidad|Einheit|Unité",
        "supplier": "Supplier",
        "data_quality": "data_quality",
        "note": "Note",
    },
    shape="months",
    reader="months",
)
"""A site a line, with a column for each month."""

PORTFOLIO_MANAGER = Layout(
    name="portfolio_manager",
    kind=CONSUMPTION,
    columns={
        "facility_id": "Property Id|Property ID|Portfolio Manager ID|Portfolio Manager Property ID",
        "meter": "Portfolio Manager Meter ID|Meter ID|PM Meter ID",
        "activity": "Meter Type",
        "start_date": "Start Date",
        "end_date": "End Date",
        "quantity": "Usage/Quantity|Usage Quantity|Usage",
        "unit": "Usage Units|Units",
        "data_quality": "Estimation|Estimated",
    },
    optional={"delivery_date": "Delivery Date"},
    activities={
        "Electric - Grid": {"category": "electricity", "activity": "grid"},
        "Electric": {"category": "electricity", "activity": "grid"},
        "Electricity": {"category": "electricity", "activity": "grid"},
        "Natural Gas": {"category": "heat", "activity": "natural_gas"},
        "Propane": {"category": "heat", "activity": "propane"},
        "Propane and Liquid Propane": {"category": "heat", "activity": "propane"},
        "Fuel Oil (No 1)": {"category": "heat", "activity": "kerosene"},
        "Fuel Oil (No 2)": {"category": "heat", "activity": "gas_oil"},
        "Fuel Oil (No 4)": {"category": "heat", "activity": "fuel_oil"},
        "Fuel Oil (No 5 and No 6)": {"category": "heat", "activity": "fuel_oil"},
        "Fuel Oil (No 5 or 6)": {"category": "heat", "activity": "fuel_oil"},
        "Fuel Oil No 1": {"category": "heat", "activity": "kerosene"},
        "Fuel Oil No 2": {"category": "heat", "activity": "gas_oil"},
        "Fuel Oil No 4": {"category": "heat", "activity": "fuel_oil"},
        "Fuel Oil No 5 or 6": {"category": "heat", "activity": "fuel_oil"},
        "Diesel": {"category": "heat", "activity": "gas_oil"},
        "Kerosene": {"category": "heat", "activity": "kerosene"},
        "Coal (anthracite)": {"category": "heat", "activity": "coal_anthracite"},
        "Coal (bituminous)": {"category": "heat", "activity": "coal_bituminous"},
        "Coal Anthracite": {"category": "heat", "activity": "coal_anthracite"},
        "Coal Bituminous": {"category": "heat", "activity": "coal_bituminous"},
        "Coke": {"category": "heat", "activity": "coal_coke"},
        "District Steam": {"category": "heat", "activity": "district_heating"},
        "District Hot Water": {"category": "heat", "activity": "district_heating"},
        "Wood": {"category": "heat", "activity": "wood_residuals"},
        "Municipally Supplied Potable Water - Indoor": {
            "category": "water",
            "activity": "supply",
        },
        "Municipally Supplied Potable Water - Outdoor": {
            "category": "water",
            "activity": "supply",
        },
        "Municipally Supplied Potable Water - Mixed Indoor/Outdoor": {
            "category": "water",
            "activity": "supply",
        },
    },
    units={
        "kWh (thousand Watt-hours)": "kWh",
        "ccf (hundred cubic feet)": "ccf",
        "Gallons (US)": "gal_us",
        "kgal (thousand gallons) (US)": "kgal_us",
    },
    dates="mdy",
    decimal="point",
    qualities={
        "Yes": "estimated",
        "Y": "estimated",
        "Estimated": "estimated",
        "No": "actual",
        "N": "actual",
        "Actual": "actual",
    },
    reader="portfolio_manager",
)
"""ENERGY STAR Portfolio Manager: meter entries, in the words of its exports."""

SHIPPED: list[Any] = [
    DATADIS,
    ENEDIS,
    GREEN_BUTTON,
    PORTFOLIO_MANAGER,
    UK_HALF_HOURLY,
    WIDE_MONTHS,
]
