"""FastAPI, SQLAlchemy's ORM on asyncpg, and pydantic, as their own documentation puts them."""

import hashlib
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import Depends, FastAPI, Header, HTTPException, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from sqlalchemy import ForeignKey, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship, selectinload
from sqlalchemy.types import DateTime, Float

url = make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+asyncpg")
engine = create_async_engine(url, pool_size=10, max_overflow=0)
Session = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    type_annotation_map = {datetime: DateTime(timezone=True), float: Float(asdecimal=False)}


class APIKey(Base):
    __tablename__ = "organizations_apikey"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    digest: Mapped[str]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class SupplyPoint(Base):
    __tablename__ = "facilities_supplypoint"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities_facility.id"))
    cups: Mapped[str]


class Meter(Base):
    __tablename__ = "facilities_meter"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    facility_id: Mapped[UUID] = mapped_column(ForeignKey("facilities_facility.id"))
    code: Mapped[str]


class Facility(Base):
    __tablename__ = "facilities_facility"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    organization_id: Mapped[UUID]
    external_id: Mapped[str]
    name: Mapped[str]
    type: Mapped[str]
    country: Mapped[str]
    region: Mapped[str]
    address: Mapped[str]
    categories: Mapped[str]
    logistic_factor: Mapped[float]
    status: Mapped[str]
    co2e: Mapped[float]
    co2e_market: Mapped[float]
    co2e_biomass: Mapped[float]
    co2e_status: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    supply_points: Mapped[list[SupplyPoint]] = relationship(order_by=SupplyPoint.id)
    meters: Mapped[list[Meter]] = relationship(order_by=Meter.id)


class FacilityOut(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: UUID
    external_id: str
    name: str
    type: str
    country: str
    region: str
    address: str
    categories: Annotated[list[str], BeforeValidator(lambda text: text.split(","))]
    cups_list: Annotated[
        list[str], BeforeValidator(lambda points: [point.cups for point in points])
    ] = Field(validation_alias="supply_points")
    meter_list: Annotated[
        list[str], BeforeValidator(lambda meters: [meter.code for meter in meters])
    ] = Field(validation_alias="meters")
    logistic_factor: float
    status: str
    co2e: float
    co2e_market: float
    co2e_biomass: float
    co2e_status: str
    created_at: datetime
    updated_at: datetime


class Page(BaseModel):
    items: list[FacilityOut]
    total: int
    page: int
    size: int
    pages: int


async def database() -> AsyncIterator[AsyncSession]:
    async with Session() as session:
        yield session


Database = Annotated[AsyncSession, Depends(database)]


async def organization(
    session: Database,
    x_api_key: Annotated[str, Header()],
    x_organization_id: Annotated[UUID, Header()],
) -> UUID:
    digest = hashlib.sha256(x_api_key.encode()).hexdigest()
    key = await session.scalar(select(APIKey).where(APIKey.digest == digest))
    if key is None or key.revoked_at or (key.expires_at and key.expires_at <= datetime.now(UTC)):
        raise HTTPException(401)
    if key.organization_id != x_organization_id:
        raise HTTPException(404)
    return key.organization_id


Caller = Annotated[UUID, Depends(organization)]
app = FastAPI()


@app.get("/v1/facilities")
async def facilities(
    session: Database,
    caller: Caller,
    page: Annotated[int, Query(ge=1)] = 1,
    size: Annotated[int, Query(ge=1, le=100)] = 50,
) -> Page:
    mine = select(Facility).where(Facility.organization_id == caller, Facility.deleted_at.is_(None))
    total = await session.scalar(select(func.count()).select_from(mine.subquery())) or 0
    rows = await session.scalars(
        mine.options(selectinload(Facility.supply_points), selectinload(Facility.meters))
        .order_by(Facility.created_at.desc(), Facility.id.desc())
        .offset((page - 1) * size)
        .limit(size)
    )
    return Page(
        items=[FacilityOut.model_validate(row) for row in rows],
        total=total,
        page=page,
        size=size,
        pages=-(-total // size),
    )


@app.get("/v1/facilities/{id}")
async def facility(session: Database, caller: Caller, id: UUID) -> FacilityOut:
    row = await session.scalar(
        select(Facility)
        .where(Facility.id == id, Facility.organization_id == caller, Facility.deleted_at.is_(None))
        .options(selectinload(Facility.supply_points), selectinload(Facility.meters))
    )
    if row is None:
        raise HTTPException(404)
    return FacilityOut.model_validate(row)
