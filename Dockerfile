# Huike in a container: the wheel in an environment of its own, run by an ordinary user.
FROM python:3.13-slim AS build
WORKDIR /build
RUN python -m venv /opt/huike
COPY . .
RUN /opt/huike/bin/pip install --no-cache-dir --disable-pip-version-check -c constraints.txt .

FROM python:3.13-slim
RUN useradd --system --uid 1000 --create-home --home-dir /var/lib/huike huike
COPY --from=build /opt/huike /opt/huike
ENV PATH=/opt/huike/bin:$PATH HUIKE_HOME=/var/lib/huike PYTHONUNBUFFERED=1
USER huike
WORKDIR /var/lib/huike
VOLUME /var/lib/huike
EXPOSE 8000
STOPSIGNAL SIGTERM
ENTRYPOINT ["huike"]
CMD ["serve"]
