"""The routes of sales: what they take, and how they refuse."""

import httpx
import pytest

pytestmark = pytest.mark.engine
ANN = {"authorization": "Bearer customer/ann/c-ann"}
BOB = {"authorization": "Bearer customer/bob/c-bob"}
KEY = {"idempotency-key": "k1"}
LI = {"id": "c-li", "name": "Li Wei", "town": "Qingdao"}


async def promise(api: httpx.AsyncClient, chain, **more) -> dict:
    answer = await api.post("/api/promises", json={"configuration": chain.design.freeze().id}, **more)
    assert answer.status_code == 201, answer.text
    return answer.json()


def problem(answer: httpx.Response, status: int) -> dict:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["detail"]
    assert body["cure"]
    return body


async def test_a_promise_and_an_order_by_rest(api, chain) -> None:
    given = await promise(api, chain)
    assert given["price"] == {"amount": "500.00", "currency": "CNY"}
    assert (await api.get(f"/api/promises/{given['id']}")).json() == given
    body = {"promise": given["id"], "customer": LI}
    first = await api.post("/api/orders", json=body, headers=KEY)
    assert first.status_code == 201
    assert (await api.post("/api/orders", json=body, headers=KEY)).json() == first.json()
    number = first.json()["number"]
    assert (await api.get(f"/api/orders/{number}")).json() == first.json()
    page = (await api.get("/api/orders", params={"search": "li wei", "sort": "-placed"})).json()
    assert (page["total"], page["orders"][0]["number"]) == (1, number)


async def test_a_promise_for_the_same_inquiry_replaces_the_one_before(api, chain) -> None:
    body = {"configuration": chain.design.freeze().id, "inquiry": "cart 7"}
    first, second = [(await api.post("/api/promises", json=body)).json()["id"] for _ in range(2)]
    assert chain.planning.given_back == ["R-1"]
    order = {"promise": first, "customer": LI}
    assert "new promise" in problem(await api.post("/api/orders", json=order, headers=KEY), 410)["cure"]
    assert (await api.post("/api/orders", json=order | {"promise": second}, headers=KEY)).status_code == 201
    problem(await api.post("/api/promises", json=body | {"inquiry": "x" * 65}), 422)


@pytest.mark.parametrize("quantity", [0, -1, 10**9, 2.5, "2", True, None])
async def test_a_bad_quantity_is_a_problem_with_a_cure(api, chain, quantity) -> None:
    body = {"configuration": chain.design.freeze().id, "quantity": quantity}
    assert "quantity" in problem(await api.post("/api/promises", json=body), 422)["detail"]


async def test_what_is_unknown_is_not_found(api) -> None:
    problem(await api.post("/api/promises", json={"configuration": "C-x"}), 404)
    problem(await api.get("/api/promises/P-x"), 404)
    problem(await api.get("/api/orders/SO-2026-999999"), 404)
    problem(await api.post("/api/orders", json={"promise": "P-x", "customer": LI}, headers=KEY), 404)


@pytest.mark.parametrize(
    "body",
    [
        {}, {"promise": "P-x"}, {"promise": "P-x", "customer": {"name": "Li", "town": ""}},
        {"promise": "P-x", "customer": LI, "extra": 1}, {"promise": "P\0", "customer": LI}, [], "text",
    ],
)  # fmt: skip
async def test_a_body_of_another_shape_is_refused_whole(api, body) -> None:
    problem(await api.post("/api/orders", json=body, headers=KEY), 422)


async def test_an_order_without_a_key_is_refused(api, chain) -> None:
    body = {"promise": (await promise(api, chain))["id"], "customer": LI}
    assert "Idempotency-Key" in problem(await api.post("/api/orders", json=body), 422)["detail"]
    problem(await api.post("/api/orders", json=body, headers={"idempotency-key": " "}), 422)


async def test_an_expired_and_a_used_promise_say_what_to_do(api, chain, clock) -> None:
    body = {"promise": (await promise(api, chain))["id"], "customer": LI}
    await api.post("/api/orders", json=body, headers=KEY)
    problem(await api.post("/api/orders", json=body, headers={"idempotency-key": "k2"}), 409)
    old = {"promise": (await promise(api, chain))["id"], "customer": LI}
    await clock.advance(1000)
    assert "new promise" in problem(await api.post("/api/orders", json=old, headers={"idempotency-key": "k3"}), 410)["cure"]


async def test_a_customer_orders_for_themselves_and_sees_their_own(api, chain) -> None:
    given = await promise(api, chain, headers=ANN)
    assert given["customer"] == "c-ann"
    body = {"promise": given["id"], "customer": {"name": "Ann", "town": "Jinan"}}
    problem(await api.get(f"/api/promises/{given['id']}", headers=BOB), 404)
    problem(await api.post("/api/orders", json=body, headers=BOB | KEY), 404)
    order = (await api.post("/api/orders", json=body, headers=ANN | KEY)).json()
    assert order["customer"]["id"] == "c-ann"
    assert (await api.get(f"/api/orders/{order['number']}", headers=ANN)).status_code == 200
    problem(await api.get(f"/api/orders/{order['number']}", headers=BOB), 404)
    assert (await api.get("/api/orders", headers=BOB, params={"customer": "c-ann"})).json()["total"] == 0
    assert (await api.get("/api/orders", headers=ANN)).json()["total"] == 1


async def test_a_customer_cannot_order_for_another(api, chain) -> None:
    body = {"promise": (await promise(api, chain, headers=ANN))["id"], "customer": LI}
    problem(await api.post("/api/orders", json=body, headers=ANN | KEY), 422)


async def test_staff_say_for_whom_they_order(api, chain) -> None:
    body = {"promise": (await promise(api, chain))["id"], "customer": {"name": "Li", "town": "Jinan"}}
    assert "id" in problem(await api.post("/api/orders", json=body, headers=KEY), 422)["cure"]


@pytest.mark.parametrize(("who", "status"), [("supplier/s/near", 403), ("operator/o/", 403), ("", 401)])
async def test_others_may_not_order(api, chain, who, status) -> None:
    headers = {"authorization": f"Bearer {who}"}
    problem(await api.post("/api/promises", json={"configuration": "C-x"}, headers=headers), status)


async def test_a_supplier_sees_no_orders(api) -> None:
    problem(await api.get("/api/orders", headers={"authorization": "Bearer supplier/s/near"}), 403)


@pytest.mark.parametrize(
    "query", ["status=lost", "sort=price", "offset=-1", "limit=0", "limit=x", "search=%00", "customer=%00"]
)
async def test_a_list_that_cannot_be_is_refused(api, query) -> None:
    problem(await api.get(f"/api/orders?{query}"), 422)


async def test_a_path_with_what_no_id_holds_is_refused(api) -> None:
    problem(await api.get("/api/orders/%00"), 422)
    problem(await api.get("/api/orders/" + "x" * 100), 422)
