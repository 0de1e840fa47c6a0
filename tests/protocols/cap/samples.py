"""Warnings made by hand after CAP 1.2 appendix A and after published samples of the Chinese profile."""

from __future__ import annotations

from protocols.cap import (
    Area,
    Dialect,
    Geocode,
    Info,
    Kind,
    NamedValue,
    PublicWarning,
    Reference,
    Resource,
    Severity,
    Status,
)

SENT = 1_760_000_400  # 2025-10-09 17:00:00 in Beijing

GB_XML = """<?xml version="1.0" encoding="UTF-8"?>
<alert>
  <identifier>34112341600000_20251009170000_1</identifier>
  <sender>某县气象台</sender>
  <senderCode>34112341600000</senderCode>
  <sendTime>2025-10-09 17:00:00+08:00</sendTime>
  <status>Actual</status>
  <msgType>Alert</msgType>
  <scope>Public</scope>
  <code/>
  <secClassification>None</secClassification>
  <note/>
  <references/>
  <info>
    <language>zh-CN</language>
    <eventType>11B03</eventType>
    <urgency>Immediate</urgency>
    <severity>Red</severity>
    <certainty>Likely</certainty>
    <effective>2025-10-09 17:00:00+08:00</effective>
    <onset/>
    <expires>2025-10-09 23:00:00+08:00</expires>
    <senderName>某县气象台</senderName>
    <headline>暴雨红色预警</headline>
    <description>预计未来3小时降雨量将达100毫米以上。</description>
    <instruction>请立即转移到安全地带。</instruction>
    <resource>
      <resourceDesc>警报音</resourceDesc>
      <mimeType>audio/mpeg</mimeType>
      <size>48000</size>
      <uri>alarm.mp3</uri>
    </resource>
    <area>
      <areaDesc>某县</areaDesc>
      <geocode>341123</geocode>
      <geocode>341123001</geocode>
    </area>
  </info>
</alert>
""".encode()

GB = PublicWarning(
    "34112341600000_20251009170000_1",
    "某县气象台",
    SENT,
    Status.ACTUAL,
    Kind.ALERT,
    Dialect.GB,
    sender_code="34112341600000",
    scope="Public",
    codes=("",),
    classification="None",
    infos=(
        Info(
            "zh-CN",
            "11B03",
            urgency="Immediate",
            severity=Severity.RED,
            certainty="Likely",
            effective=SENT,
            expires=SENT + 6 * 3600,
            sender_name="某县气象台",
            headline="暴雨红色预警",
            description="预计未来3小时降雨量将达100毫米以上。",
            instruction="请立即转移到安全地带。",
            resources=(Resource("警报音", "audio/mpeg", 48000, "alarm.mp3"),),
            areas=(Area("某县", geocodes=(Geocode("341123"), Geocode("341123001"))),),
        ),
    ),
)

CAP_XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<cap:alert xmlns:cap="urn:oasis:names:tc:emergency:cap:1.2">
  <cap:identifier>FLOOD-7</cap:identifier>
  <cap:sender>water@example.org</cap:sender>
  <cap:sent>2025-10-09T09:00:00-00:00</cap:sent>
  <cap:status>Actual</cap:status>
  <cap:msgType>Update</cap:msgType>
  <cap:scope>Public</cap:scope>
  <cap:references>water@example.org,FLOOD-6,2025-10-09T16:00:00+08:00
  other,FLOOD-5,2025-10-09T07:30:00Z</cap:references>
  <cap:info>
    <cap:language>en-US</cap:language>
    <cap:category>Met</cap:category>
    <cap:event>Flood</cap:event>
    <cap:responseType>Evacuate</cap:responseType>
    <cap:urgency>Immediate</cap:urgency>
    <cap:severity>Severe</cap:severity>
    <cap:certainty>Observed</cap:certainty>
    <cap:eventCode><cap:valueName>EBM</cap:valueName><cap:value>11A01</cap:value></cap:eventCode>
    <cap:headline>Flood in the valley</cap:headline>
    <cap:description>The river is over its banks.</cap:description>
    <cap:area>
      <cap:areaDesc>Valley</cap:areaDesc>
      <cap:circle>32.3,118.3 5</cap:circle>
      <cap:geocode><cap:valueName>SAME</cap:valueName><cap:value>039173</cap:value></cap:geocode>
      <cap:geocode><cap:valueName>GB/T 2260</cap:valueName><cap:value>341123,341124</cap:value></cap:geocode>
    </cap:area>
  </cap:info>
  <cap:info>
    <cap:language>zh-CN</cap:language>
    <cap:category>Met</cap:category>
    <cap:event>11A01</cap:event>
    <cap:urgency>Immediate</cap:urgency>
    <cap:severity>Severe</cap:severity>
    <cap:certainty>Observed</cap:certainty>
    <cap:description>\xe6\xb2\xb3\xe6\xb0\xb4\xe6\xbc\xab\xe5\xa0\xa4\xe3\x80\x82</cap:description>
  </cap:info>
</cap:alert>
"""

CAP = PublicWarning(
    "FLOOD-7",
    "water@example.org",
    SENT,
    Status.ACTUAL,
    Kind.UPDATE,
    scope="Public",
    references=(Reference("FLOOD-6", "water@example.org", SENT - 3600), Reference("FLOOD-5", "other", SENT - 5400)),
    infos=(
        Info(
            "en-US",
            "Flood",
            ("Met",),
            ("Evacuate",),
            "Immediate",
            Severity.ORANGE,
            "Observed",
            event_codes=(NamedValue("EBM", "11A01"),),
            headline="Flood in the valley",
            description="The river is over its banks.",
            areas=(
                Area(
                    "Valley",
                    circles=("32.3,118.3 5",),
                    geocodes=(Geocode("039173", "SAME"), Geocode("341123,341124", "GB/T 2260")),
                ),
            ),
        ),
        Info(
            "zh-CN",
            "11A01",
            ("Met",),
            urgency="Immediate",
            severity=Severity.ORANGE,
            certainty="Observed",
            description="河水漫堤。",
        ),
    ),
)
SAMPLES = {"gb": (GB_XML, GB), "cap": (CAP_XML, CAP)}
